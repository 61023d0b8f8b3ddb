"""Names of a package that are imported when they are first asked for (PEP 562): help must come without torch."""

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Callable


def lazy_names(package: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the functions `__getattr__` and `__dir__` of a package, from the imports that type checkers read.

    The names are those that its `__init__.py` imports from other modules under `if TYPE_CHECKING`. The package's own
    modules are found as well, as they are after an import of everything.

    Args:
        package: its `__name__`.
    """
    module = sys.modules[package]
    home_of = _type_checked_imports(inspect.getsource(module), package)

    def __getattr__(name: str) -> object:  # noqa: N807 - what PEP 562 calls it
        if name in home_of:
            value = getattr(importlib.import_module(home_of[name]), name)
        elif not name.startswith("_") and importlib.util.find_spec(f"{package}.{name}") is not None:
            value = importlib.import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(module, name, value)
        return value

    def __dir__() -> list[str]:  # noqa: N807
        return sorted({*vars(module), *home_of, *(found.name for found in pkgutil.iter_modules(module.__path__))})

    return __getattr__, __dir__


def _type_checked_imports(source: str, package: str) -> dict[str, str]:
    """Return name → module of each name imported under `if TYPE_CHECKING`; not the package's own modules."""
    blocks = (node for node in ast.parse(source).body if isinstance(node, ast.If))
    imports = (node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom))
    homes = (("." * node.level + (node.module or ""), node.names) for node in imports)
    resolved = ((importlib.util.resolve_name(home, package), names) for home, names in homes)
    return {alias.name: home for home, names in resolved if home != package for alias in names}
