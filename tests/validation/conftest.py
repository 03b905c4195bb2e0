"""The small models, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.validation.models import (
    category_case,
    classes_case,
    linear_case,
    regression_case,
    scaled_case,
)

if TYPE_CHECKING:
    from tests.validation.models import Case, ClassesCase


@pytest.fixture(scope="session")
def regression() -> Case:
    return regression_case(1)


@pytest.fixture(scope="session")
def scaled() -> Case:
    return scaled_case(2)


@pytest.fixture(scope="session")
def categories() -> Case:
    return category_case(3)


@pytest.fixture(scope="session")
def classes() -> ClassesCase:
    return classes_case(4)


@pytest.fixture(scope="session")
def linear() -> Case:
    return linear_case(5)
