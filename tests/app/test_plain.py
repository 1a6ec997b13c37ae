"""What a name from outside holds becomes no link, picture or formula on any page."""

import re

import pytest

from components.plain import plain


@pytest.mark.parametrize(
    "name", ["http://a.example/x", "HTTPS://a.example", "www.a.example", "see www.a.example!", "[a](http://a.example)"]
)
def test_no_address_is_left_of_which_markdown_makes_a_link_by_itself(name):
    shown = plain(name)
    assert not re.search(r"https?://|www\.|(?<!\\)[\[\]]", shown, re.IGNORECASE)
    assert shown.replace("\u2060", "").replace("\\", "") == name
