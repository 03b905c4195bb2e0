from __future__ import annotations

import pytest
from onnxport.artifacts import UsageError
from onnxport.sources import SourceAccess


@pytest.mark.parametrize("module", ["os", "os.path", "builtins", "subprocess", ""])
def test_the_standard_library_cannot_be_allowed_in_models(module: str) -> None:
    with pytest.raises(UsageError, match="cannot be allowed"):
        SourceAccess(allow_modules=(module,))


def test_a_module_of_the_users_own_can() -> None:
    assert SourceAccess(allow_modules=("house.encoders",)).allow_modules == ("house.encoders",)
