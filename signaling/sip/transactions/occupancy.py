"""How many requests are worked on at once: what keeps a flood from filling the tables of the transaction layer."""

from __future__ import annotations

from collections import Counter

from signaling.rates import SourceRates, Verdict
from signaling.sip.transactions.transaction import Flow, State
from signaling.sip.transactions.transaction_server import ServerTransaction
from signaling.sip.wire.fields import to_of
from signaling.sip.wire.message import Request
from signaling.tries import source_key


class Occupancy:
    """Server transactions by their state, and whether there is room for one more.

    Those that still owe their final answer are bounded, all together and, for INVITEs, by source. Those that have
    given it are kept for repetitions only (17.2): where the table is full, the oldest are forgotten.
    """

    def __init__(self, max_open: int, max_transactions: int) -> None:
        self.calls: SourceRates | None = None
        """How many new calls a source may make; None has no limit."""
        self.max_open_of_source = max_open
        self._max_open = max_open
        self._max_transactions = max_transactions
        self._open: dict[int, str] = {}
        self._per_source: Counter[str] = Counter()
        self._answered: dict[int, ServerTransaction] = {}

    def refusal(self, request: Request, flow: Flow, transactions: int, now: float) -> str:
        """Why a request cannot be taken, "" when it can; `transactions` are all that there are."""
        if transactions - len(self._answered) >= self._max_transactions:
            return "too-many-transactions"
        if request.method != "INVITE":
            return ""
        if len(self._open) >= self._max_open:
            return "too-many-open-invites"
        source = flow.remote[0]
        if self._per_source[source_key(source)] >= self.max_open_of_source and not self.is_unlimited(flow):
            return "too-many-open-invites-of-source"
        is_new = not to_of(request.headers).tag
        if is_new and self.calls is not None and self.calls.judge(source, now) is not Verdict.PASS:
            return "too-many-new-calls"
        return ""

    def surplus(self, transactions: int) -> ServerTransaction | None:
        """One that may be forgotten so that another fits; None while there is room, or nothing to forget."""
        if transactions < self._max_transactions or not self._answered:
            return None
        return next(iter(self._answered.values()))

    def is_unlimited(self, flow: Flow) -> bool:
        """Whether the source brings the calls of many, as a trunk does."""
        return self.calls is None or self.calls.is_unlimited(flow.remote[0])

    def settled(self, transaction: ServerTransaction) -> None:
        """The state of a transaction may have changed."""
        number = id(transaction)
        if transaction.is_open:
            if transaction.request.method == "INVITE" and number not in self._open:
                source = self._open[number] = source_key(transaction.flow.remote[0])
                self._per_source[source] += 1
            return
        self._close(number)
        if transaction.state in (State.COMPLETED, State.CONFIRMED):
            self._answered.setdefault(number, transaction)

    def forgotten(self, transaction: ServerTransaction) -> None:
        """The transaction is no more."""
        self._close(id(transaction))
        self._answered.pop(id(transaction), None)

    def _close(self, number: int) -> None:
        source = self._open.pop(number, None)
        if source is not None:
            self._per_source[source] -= 1
            if not self._per_source[source]:
                del self._per_source[source]
