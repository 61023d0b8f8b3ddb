"""Is an accuracy under attack the model's doing, or the attack's failure?"""

from .diagnose import CHECKS as CHECKS
from .diagnose import diagnose as diagnose
from .flag import Flag as Flag
from .paper_table_1 import MNIST_LARGEST_CLASS_SHARE as MNIST_LARGEST_CLASS_SHARE
from .paper_table_1 import MNIST_TEST_IMAGES as MNIST_TEST_IMAGES
from .paper_table_1 import PAPER_TABLE_1 as PAPER_TABLE_1
from .paper_table_1 import PAPER_TABLE_1_CIFAR10 as PAPER_TABLE_1_CIFAR10
from .published_table import PublishedAccuracy as PublishedAccuracy
from .published_table import diagnose_table as diagnose_table
from .report import Evidence as Evidence
from .report import MaskingReport as MaskingReport
from .saturation import Reduction as Reduction
from .saturation import SaturationThresholds as SaturationThresholds
from .saturation import predicted_zero_gradients as predicted_zero_gradients
from .saturation import predicted_zero_losses as predicted_zero_losses
from .saturation import saturation_thresholds as saturation_thresholds
from .solver_surrogates import Surrogate as Surrogate
from .solver_surrogates import fixed_step_surrogate as fixed_step_surrogate
from .solver_surrogates import gradient_surrogate as gradient_surrogate
from .solver_surrogates import solver_surrogates as solver_surrogates
from .solver_surrogates import tolerance_surrogates as tolerance_surrogates
