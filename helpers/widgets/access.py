"""Verbs and resources in one table: what an account may do, before and now.

The facts are those of `helpers.grants`, the answers the server's own.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

import ipywidgets
import pandas as pd

from cluster import errors
from cluster.waiting import until
from helpers import grants
from helpers.caller import Caller
from helpers.command import kubeconfig_in_use
from helpers.rbac import Objects
from helpers.reviews import Account, access_review, current_namespace
from helpers.watch import Watch, stop_all
from helpers.widgets import markup
from helpers.widgets.live import Live
from helpers.widgets.view import View, named

VERBS = ("get", "list", "watch", "create", "update", "delete")
RESOURCES = (
    *("pods", "pods/log", "pods/exec", "configmaps", "secrets", "services"),
    *("deployments.apps", "jobs.batch", "secrets -n kube-system", "nodes -A"),
    "roles.rbac.authorization.k8s.io",
)
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
#: Seconds after news of a rule. The server's own authorizer hears of it when we do, so
#: the first answer may be of before: a second look makes sure.
LOOKS = (0.1, 1.5)
#: a group that may do everything in every cluster
_MASTERS = "system:masters"
#: seconds for the first lists of roles and bindings
_SOON = 10.0


def access_matrix(
    account: str = "default",
    *,
    verbs: tuple[str, ...] | list[str] = VERBS,
    resources: tuple[str, ...] | list[str] = RESOURCES,
    namespace: str | None = None,
    before: pd.DataFrame | None = None,
) -> "AccessMatrix":
    """Show what an account may do, before and now, and what of it is too much.

    Asked again when a role or binding changes. `account`, `verbs` and `resources` are
    as for `can_i`, whose table is also what `before` may be. `frame()` has a row per
    field. The same as many times `kubectl auth can-i VERB RESOURCE --as=ACCOUNT`.
    """
    where = current_namespace() if namespace is None else namespace
    return AccessMatrix(account, list(verbs), list(resources), where, before)


class Asked(NamedTuple):
    """Answers, and about whom: what is chosen by now may be somebody else."""

    who: Account
    supposed: bool
    table: pd.DataFrame


class AccessMatrix(View):
    """The table of `can_i`, asked anew whenever rules change."""

    def __init__(
        self,
        account: str,
        verbs: list[str],
        resources: list[str],
        namespace: str,
        before: pd.DataFrame | None,
    ) -> None:
        """Ask once, and watch the rules from now on, until `stop`."""
        self.rules = grants.Rules()
        self._verbs, self._resources, self._home = verbs, resources, namespace
        # Of which user; None: of whomever, as the learner has given it.
        self._before: tuple[str | None, pd.DataFrame] | None = None
        if before is not None:
            self._before = None, before
        self._asked: Asked | None = None
        self._fields: list[grants.Field] = []
        # When to look again, and whether a look waits for its turn already.
        self._looks: list[float] = []
        self._waiting = False
        self._looking, self._comparing = threading.Lock(), threading.Lock()
        self._trouble, self._asking = "", threading.Lock()
        self._quiet = threading.local()
        self._caller = Caller.from_kubeconfig(kubeconfig_in_use())
        self._account = named(
            ipywidgets.Dropdown(
                description="ServiceAccount:", options=[account], value=account
            )
        )
        self._other = named(
            ipywidgets.Text(description="Or any user:", continuous_update=False), "22em"
        )
        self._suppose = ipywidgets.Checkbox(
            description="As if permissive-binding were there (changes nothing)",
            indent=False,
            layout={"width": "auto"},
        )
        self._remember = ipywidgets.Button(
            description="Remember as before", layout={"width": "auto"}
        )
        self._again = ipywidgets.Button(description="Ask again")
        self._table = Live()
        for control in (self._account, self._other):
            control.observe(lambda _: self._turn(another=True), "value")
        self._suppose.observe(lambda _: self._turn(), "value")
        self._remember.on_click(lambda _: self.remember())
        self._again.on_click(lambda _: self.work(self.ask))
        rows = [
            [self._account, self._other],
            [self._suppose, self._remember, self._again],
        ]
        wrap = {"flex_flow": "row wrap"}
        super().__init__(
            f"What an account may do in namespace {namespace}",
            *(ipywidgets.HBox(row, layout=wrap) for row in rows),
            self._table,
            every=0.5,
        )
        self._watches = [
            Watch(self._caller_of_its_own(), path, self._hearing(kind)).start()
            for kind, path in grants.PATHS.items()
        ]
        self.work(self.ask)
        self.changed()

    @property
    def account(self) -> Account:
        """Return who is asked about."""
        name = self._other.value.strip() or self._account.value
        return Account.read(name, self._home)

    def choose(self, account: str, *, before: pd.DataFrame | None = None) -> None:
        """Ask about another ServiceAccount, or any user: a name with `:` or `@`.

        As things are, without the supposed binding; `before` as for `access_matrix`.
        """
        if not account.strip():
            raise errors.LabError("An account needs a name.", 'Try "default".')
        with self._quietly():
            self._suppose.value = False
            self._other.value = account
        # Another account has another past, if any.
        self._before = None if before is None else (None, before)
        self.ask()

    def suppose(self, permissive: bool) -> None:
        """Ask as if the book's permissive-binding were there, or as it is."""
        with self._quietly():
            self._suppose.value = permissive
        self.ask()

    def remember(self) -> None:
        """Let what is now be what was before."""
        asked = self._asked
        if asked is not None:
            self._before = asked.who.user, asked.table
            self._compare()

    def ask(self) -> None:
        """Ask the server for every field, now; raise ApiError or Unreachable.

        One POST of a SubjectAccessReview per field, all over one connection.
        """
        with self._asking:
            self._ask()

    def _ask(self) -> None:
        who = self.account
        supposed = self._suppose.value
        granted = supposed and grants.names(grants.PERMISSIVE, who)
        groups = (*who.groups, _MASTERS) if granted else who.groups
        them = Account(who.user, groups)
        try:
            self._list_accounts()
            answers = [
                [self._answer(them, verb, row) for verb in self._verbs]
                for row in self._resources
            ]
        except errors.LabError as error:
            self._trouble = str(error)
            self.changed()
            raise
        self._trouble = ""
        table = pd.DataFrame(
            answers, index=self._resources, columns=self._verbs, dtype=str
        )
        self._asked = Asked(who, supposed, table)
        self._compare()

    def frame(self) -> pd.DataFrame:
        """Return a row per field: RESOURCE, VERB, BEFORE, AFTER, TOO MUCH, GRANTED BY.

        BEFORE and AFTER are "yes" or "no", as the server said when it was asked last.
        """
        # GRANTED BY needs the bindings, which come by themselves, and soon.
        until(self.rules.complete, _SOON)
        asked = self._asked
        if asked and asked[:2] == (self.account, self._suppose.value):
            self._compare()
        else:
            self.ask()
        return grants.frame(self._fields)

    def wait_for(
        self, answer: str, verb: str, resource: str, *, timeout: float = 30.0
    ) -> None:
        """Wait until a field of the table says `answer`, "yes" or "no".

        Raise NotReady after `timeout` seconds, with what the view says.
        """
        if not until(lambda: self._has(answer, verb, resource), timeout):
            what = f"{answer!r} for {verb} {resource}"
            raise errors.NotReady(what, timeout, self._sentence())

    def draw(self) -> None:
        """Ask again if there was news of rules, and draw what is known."""
        if self._is_due(time.monotonic()):
            self.work(self._look)
        columns = ["RESOURCE", *self._verbs]
        rows = [[name, *cells] for name, cells in self._rows()]
        caption = f"May {self._user()}?"
        drawn = markup.table(columns, rows, caption=caption) + self._why()
        value = markup.block(drawn)
        if value != self._table.value:
            self._table.value = value
        self.say(self._sentence())

    def text(self) -> str:
        """Return the table in words."""
        if not self._fields:
            return self._sentence()
        rows = pd.DataFrame(
            [cells for _, cells in self._rows()],
            index=self._resources,
            columns=self._verbs,
        )
        lines = [f"{self._user()}: {self._caption()}", rows.to_string()]
        lines += [f"{grants.TOO_MUCH} by {name}" for name in self._excess()]
        return "\n".join(lines)

    def stopping(self) -> None:
        """End the watches."""
        stop_all(self._watches)

    def _caller_of_its_own(self) -> Caller:
        # Four watches hold a connection each; the questions have another.
        return Caller.from_kubeconfig(kubeconfig_in_use())

    def _hearing(self, kind: str):
        def heard(event) -> None:
            if self.rules.hear(kind, event):
                now = time.monotonic()
                with self._looking:
                    self._looks = [now + seconds for seconds in LOOKS]
            self.changed()

        return heard

    def _turn(self, *, another: bool = False) -> None:
        if getattr(self._quiet, "now", False):
            return
        if another:
            # Another account has another past.
            self._before = None
        self.work(self.ask)

    @contextlib.contextmanager
    def _quietly(self) -> Iterator[None]:
        """Let what this thread puts into controls be no choice of the learner's."""
        self._quiet.now = True
        try:
            yield
        finally:
            self._quiet.now = False

    def _is_due(self, now: float) -> bool:
        """Say whether to look again; not while a look waits for its turn already."""
        with self._looking:
            if self._waiting or not any(at <= now for at in self._looks):
                return False
            self._looks = [at for at in self._looks if at > now]
            self._waiting = True
            return True

    def _look(self) -> None:
        with self._looking:
            self._waiting = False
        self.ask()

    def _list_accounts(self) -> None:
        path = f"/api/v1/namespaces/{self._home}/serviceaccounts"
        answer = self._caller.get(path)
        if answer.status != 200:
            return
        found = [one["metadata"]["name"] for one in answer.json()["items"]]
        chosen = self._account.value
        options = tuple(sorted({*found, chosen}))
        if options != tuple(self._account.options):
            # New options choose the first one, which nobody wanted.
            with self._quietly():
                self._account.options = options
                self._account.value = chosen

    def _answer(self, who: Account, verb: str, row: str) -> str:
        review = access_review(who, verb, row, self._home)
        answer = self._caller.request("POST", REVIEWS, body=review)
        if answer.status != 201:
            text = answer.data.decode(errors="replace")
            raise errors.ApiError("POST", REVIEWS, answer.status, text)
        return "yes" if answer.json()["status"]["allowed"] else "no"

    def _compare(self) -> None:
        with self._comparing:
            if self._asked is not None:
                self._fields = self._compared(self._asked)
        self.changed()

    def _compared(self, asked: Asked) -> list[grants.Field]:
        who, objects = asked.who, self.rules.objects()
        if asked.supposed:
            bindings = [*objects.bindings, grants.PERMISSIVE]
            objects = Objects(bindings, objects.roles)
        attempts = {
            (row, verb): grants.attempt_of(access_review(who, verb, row, self._home))
            for row in self._resources
            for verb in self._verbs
        }
        user, before = self._before or (None, None)
        if user not in (None, who.user):
            before = None
        return grants.fields(before, asked.table, attempts, who, objects)

    def _user(self) -> str:
        return (self._asked.who if self._asked else self.account).user

    def _has(self, answer: str, verb: str, resource: str) -> bool:
        return any(
            (f.after, f.verb, f.resource) == (answer, verb, resource)
            for f in self._fields
        )

    def _rows(self):
        """Yield each resource with its fields in words, marked where too much."""
        fields = iter(self._fields)
        for resource in self._resources if self._fields else ():
            cells = [next(fields) for _ in self._verbs]
            yield (
                resource,
                [markup.Mark(f.words) if f.too_much else f.words for f in cells],
            )

    def _excess(self) -> list[str]:
        return sorted({name for f in self._fields if f.too_much for name in f.by})

    def _why(self) -> str:
        names = ", ".join(self._excess())
        if not names:
            return ""
        why = f"{grants.TOO_MUCH} is what comes only from {names}: it lets a whole "
        return f"<p>{markup.text(why + 'crowd do everything.')}</p>"

    def _caption(self) -> str:
        allowed = sum(f.after == "yes" for f in self._fields)
        changed = sum(f.before not in ("", f.after) for f in self._fields)
        excess = sum(f.too_much for f in self._fields)
        told = f"{allowed} of {len(self._fields)} allowed"
        told += f", {changed} changed" if changed else ""
        return told + (f", {excess} {grants.TOO_MUCH}" if excess else "")

    def _sentence(self) -> str:
        if self._trouble:
            return f"Not answered: {self._trouble}"
        if not self._fields:
            return "Asking the server."
        troubles = sorted(set(self.rules.troubles.values()))
        if troubles:
            return f"Not told of changes, so ask again yourself: {troubles[0]}"
        supposed = self._asked is not None and self._asked.supposed
        told = ", as if permissive-binding were there" if supposed else ""
        return f"Asked as {self._user()}{told}. {self._caption()}."
