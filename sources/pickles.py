"""Opens pickles and joblib files, by onnxport's allow-list only.

The list is enforced while the pickle is read, on every global that it names and every call that it makes,
nested pickles included. There is no scan beforehand: joblib writes raw arrays between the opcodes, which scanners
cannot step over, and a list that is enforced needs no forecast. Nothing of `joblib` itself runs: older versions of
it read nested pickles with Python's own, unguarded reader.
"""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any

from onnxport.artifacts import UntrustedModel, UsageError

from .compressed import expand
from .guarded_pickle import GuardedUnpickler

if TYPE_CHECKING:
    from .access import SourceAccess


def open_pickle(data: bytes, name: str, access: SourceAccess) -> Any:  # ruff: ignore[ANN401] - what the pickle holds
    """The object in the pickle or joblib file `data`; `name` says in errors which one was read.

    Raises:
        UntrustedModel: Pickles are not allowed (nothing was read then), or this one names what no model needs.
        UsageError: It is no pickle, or a damaged one.
    """
    if not access.allow_pickle:
        raise UntrustedModel(
            f"{name} is a pickle: opening it runs code that the file brings along",
            hint="If you trust where it comes from, say --allow-pickle; or save the model with skops, "
            "or an XGBoost model with save_model('model.ubj').",
        )
    if not data:
        raise UsageError(f"{name} is empty", hint="Write the model again, then name the new file.")
    plain = BytesIO(expand(data, name))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # version and deprecation warnings of the libraries
            return GuardedUnpickler(plain, name, access).load()
    except (UntrustedModel, UsageError):
        raise
    except ModuleNotFoundError as error:
        raise UsageError(f"{name} needs the module {error.name!r}, which is not installed here") from error
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or "no details"
        raise UsageError(
            f"{name} is not a model file that can be opened: {type(error).__name__}: {reason}",
            hint="It is no pickle, it is damaged, or other package versions wrote it.",
        ) from error
