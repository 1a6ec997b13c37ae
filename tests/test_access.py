"""Roles hold in the functions that do things, whatever page or thread calls them; a login's name counts."""

from threading import Thread

import pytest

from leuk_core import access, cases, jobs
from leuk_core.access import NOBODY, OPERATOR, SIGNED, Person, Role
from leuk_core.cases.export import export_case
from leuk_core.data import imports
from leuk_core.errors import InvalidParameter, LeukError, NotAllowed
from leuk_core.registry import promotions
from leuk_core.settings import settings

VIEWER, REVIEWER, TRAINER, ADMIN = (Person(f"{SIGNED}{role.name.title()} (a@b)", role) for role in Role)
ACTIONS = {
    "look": (Role.VIEWER, cases.search_cases),
    "export": (Role.VIEWER, lambda: export_case("c-none", "Ada", "csv")),
    "make a case": (Role.REVIEWER, lambda: cases.create_case("Ada")),
    "undo": (Role.REVIEWER, lambda: cases.undo("c-none", "Ada")),
    "own class": (Role.REVIEWER, lambda: cases.own_class("hairy cell")),
    "import": (Role.TRAINER, lambda: imports.import_folder("")),
    "forget a set": (Role.TRAINER, lambda: imports.forget_set("none")),
    "submit": (Role.TRAINER, lambda: jobs.submit("none", {})),
    "cancel": (Role.TRAINER, lambda: jobs.cancel("none")),
    "retry": (Role.TRAINER, lambda: jobs.retry("none")),
    "promote": (Role.ADMIN, lambda: promotions.promote("all-vs-normal/svm@none", "Ada", "better")),
    "roll back": (Role.ADMIN, lambda: promotions.rollback("all-vs-normal", "svm", "Ada", "worse")),
    "delete a case": (Role.ADMIN, lambda: cases.delete_case("c-none", "Ada")),
}


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("LEUK_ADMINS", "Chief@clinic.example, second@clinic.example")
    monkeypatch.setenv("LEUK_REVIEWERS", "rev@clinic.example")
    settings.cache_clear()
    yield
    access.forget()
    settings.cache_clear()


def refused(action):
    """Whether an action is refused for the role's sake; what else is wrong with it does not count."""
    try:
        action()
    except NotAllowed:
        return True
    except LeukError:
        pass
    return False


@pytest.mark.parametrize("name", ACTIONS)
def test_each_action_needs_its_role_and_the_operator_may_do_everything(name):
    least, action = ACTIONS[name]
    assert not refused(action)
    for who in (NOBODY, VIEWER, REVIEWER, TRAINER, ADMIN):
        with access.acting_as(who):
            assert refused(action) == (who.role is None or who.role < least), who


def test_a_login_holds_in_every_thread_and_its_name_counts_instead_of_a_typed_one():
    access.ask(lambda: REVIEWER)
    made = []
    thread = Thread(target=lambda: made.append(cases.create_case("Somebody else")))
    thread.start()
    thread.join()
    assert made[0].created_by == REVIEWER.name
    access.ask(lambda: NOBODY)
    with pytest.raises(NotAllowed, match="Sign in to make cases"):
        cases.create_case("Ada")
    access.forget()
    assert access.person() is OPERATOR


def test_no_typed_name_looks_like_a_login():
    with pytest.raises(InvalidParameter, match="must not begin"):
        cases.create_case(f" {SIGNED}Dr. Lin")
    assert access.signature(REVIEWER.name) == "signed by Reviewer (a@b)"
    assert access.signature("Ada") == "confirmed by Ada"


def test_the_refusal_names_the_person_and_the_role_that_is_needed():
    with access.acting_as(VIEWER), pytest.raises(NotAllowed, match=r"Only an admin may delete cases.*a viewer"):
        cases.delete_case("c-none", "Ada")


@pytest.mark.parametrize(
    ("facts", "name", "role"),
    [
        ({"email": "CHIEF@clinic.example", "name": "Ada  Chief"}, "Ada Chief (chief@clinic.example)", Role.ADMIN),
        ({"email": "rev@clinic.example"}, "rev@clinic.example", Role.REVIEWER),
        ({"email": "who@clinic.example"}, "who@clinic.example", Role.VIEWER),
        ({"email": "chief@clinic.example", "email_verified": False, "sub": "7"}, "7", Role.VIEWER),
        ({"sub": "chief@clinic.example"}, "chief@clinic.example", Role.VIEWER),
    ],
)
def test_the_role_comes_from_a_verified_address_alone(facts, name, role):
    assert access.from_login(facts) == Person(SIGNED + name, role)


def test_a_login_without_any_id_is_nobody():
    with pytest.raises(NotAllowed):
        access.from_login({"name": "Ada"})
