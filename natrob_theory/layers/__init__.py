"""One file for each kind of torch layer, and what every bound asks of it.

Every module of this room is imported here, so that a file is all it takes to add a kind of layer.
"""

import importlib
import pkgutil

from natrob_theory.layers.answers import AbstractField as AbstractField
from natrob_theory.layers.answers import AbstractLayer as AbstractLayer
from natrob_theory.layers.answers import describes as describes
from natrob_theory.layers.questions import activation_slopes as activation_slopes
from natrob_theory.layers.questions import ball_field as ball_field
from natrob_theory.layers.questions import follows_convex_potential as follows_convex_potential
from natrob_theory.layers.questions import layer_lipschitz as layer_lipschitz
from natrob_theory.layers.questions import layer_lipschitz_in as layer_lipschitz_in
from natrob_theory.layers.questions import one_sided_lipschitz as one_sided_lipschitz
from natrob_theory.layers.questions import one_sided_lipschitz_in as one_sided_lipschitz_in
from natrob_theory.layers.questions import stated_structure as stated_structure
from natrob_theory.layers.refusal import ActivationRefusedError as ActivationRefusedError
from natrob_theory.layers.refusal import BallRefusedError as BallRefusedError
from natrob_theory.layers.refusal import LayerRefusedError as LayerRefusedError
from natrob_theory.layers.statements import OneSidedConstant as OneSidedConstant
from natrob_theory.layers.statements import Slopes as Slopes
from natrob_theory.layers.statements import Structure as Structure

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
