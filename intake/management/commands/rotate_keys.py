"""Change the keys of the stored data: add one, move every row to it, remove the old one."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from intake.actions import allowances, blocks, events, online_stops
from intake.crypto import rotation
from intake.crypto.checks import verify_keyring
from intake.crypto.keyring import (
    ENCRYPTION,
    INDEX,
    Keyring,
    KeyringError,
    edit_keyring_file,
    get_keyring,
    keyring_path,
)

# Longer than any request or task may take (a task's hard limit is 90 s): what was sealed with the
# old key just before the ring changed has been committed by then.
SETTLE_SECONDS = 120


class Command(BaseCommand):
    """Rotates keys while the helpline runs; killed at any point, it is simply started again."""

    help = (
        "Without options: seal every value with the current encryption key. Running processes see"
        " a changed key file at once; with HELPLINE_KEYS, change it everywhere and restart first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--prepare",
            choices=[ENCRYPTION, INDEX],
            help="add a key without using it, where processes must restart to see the file",
        )
        parser.add_argument(
            "--new-key",
            action="store_true",
            help="make the prepared encryption key current, or a fresh one",
        )
        parser.add_argument(
            "--new-index-key",
            action="store_true",
            help="make the prepared blind-index key current, or a fresh one; implies --reindex",
        )
        parser.add_argument(
            "--reindex", action="store_true", help="recompute blind indexes, not the encryption"
        )
        parser.add_argument("--retire", metavar="ID", help="remove an old key that nothing needs")
        parser.add_argument(
            "--settle-seconds",
            type=int,
            default=SETTLE_SECONDS,
            help="time since the last change of the ring before a key may be retired",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            verify_keyring()
            if options["prepare"]:
                self.edit_ring("prepared", options["prepare"], Keyring.with_prepared_key)
                return
            if options["retire"]:
                self.retire(options["retire"], options["settle_seconds"])
                return
            if options["new_key"]:
                self.edit_ring("current", ENCRYPTION, Keyring.with_new_key)
            if options["new_index_key"]:
                self.edit_ring("current", INDEX, Keyring.with_new_key)
            if options["new_index_key"] or options["reindex"]:
                self.reindex()
            if options["new_key"] or not (options["new_index_key"] or options["reindex"]):
                self.reseal()
        except KeyringError as refused:
            raise CommandError(str(refused)) from None

    def edit_ring(
        self, step: str, purpose: str, change: Callable[[Keyring, str], tuple[Keyring, str]]
    ) -> None:
        """Put a changed ring in the file, for every process that sees it, at once."""
        key_id = ""

        def changed(ring: Keyring) -> Keyring:
            nonlocal key_id
            ring, key_id = change(ring, purpose)
            return ring

        edit_keyring_file(changed)
        verify_keyring()
        self.record(step, purpose, key_id, 0)
        self.stdout.write(f"Key {key_id} is {step}. Back up {keyring_path()} now.")

    def reseal(self) -> None:
        """Seal every value with the current key; a second run finds nothing to do."""
        key_id = get_keyring().encryption.current
        total = rotation.count_stale("default")
        outcome = self.run(rotation.reseal, total, "Encrypting")
        self.finish(outcome, ENCRYPTION, key_id)

    def reindex(self) -> None:
        """Recompute every blind index with the current index key."""
        key_id = get_keyring().index.current
        total = rotation.count_indexed("default")
        outcome = self.run(rotation.reindex, total, "Indexing")
        # Numbers not to be called are stored nowhere; those of people on record are met there.
        outcome.changed += blocks.rekey() + online_stops.rekey()
        allowances.forget_other_keys()
        self.finish(outcome, INDEX, key_id)

    def run(
        self, work: Callable[..., rotation.Outcome], total: int, label: str
    ) -> rotation.Outcome:
        with tqdm(total=total, desc=label, unit=" rows", file=sys.stderr, disable=None) as bar:
            return work("default", bar.update)

    def finish(self, outcome: rotation.Outcome, purpose: str, key_id: str) -> None:
        """Say and record what was done. Raises CommandError when something is left."""
        self.record("moved", purpose, key_id, outcome.changed)
        self.stdout.write(f"{outcome.changed} rows moved to key {key_id}.")
        for where in sorted(outcome.damaged):
            self.stderr.write(f"Does not open: {where}")
        if not outcome.complete:
            raise CommandError(
                f"{outcome.left} rows are left, {len(outcome.damaged)} values do not open."
                " Run the command again; restore damaged values from a backup."
            )

    def retire(self, key_id: str, settle_seconds: int) -> None:
        """Forget a key, after proving that no row needs it."""
        purpose = self.purpose_of(key_id)
        self.wait_for_stragglers(settle_seconds)
        if purpose == INDEX:
            self.reindex()
            if left := rotation.count_digests_with(key_id, "default"):
                raise CommandError(
                    f"{left} numbers not to be called are recognized with {key_id} alone, and"
                    " they themselves are not stored: it stays in the ring. They move to the"
                    " current one as they turn up."
                )
        else:
            self.reseal()
            if left := rotation.count_sealed_with(key_id, "default"):
                raise CommandError(f"{left} values still need {key_id}.")
        key_check = apps.get_model("intake", "KeyCheck")._base_manager
        now = timezone.now()
        # First the database, then the ring: killed in between, every start still has its keys.
        key_check.filter(purpose=purpose, key_id=key_id).update(retired_at=now)
        self.record("retired", purpose, key_id, 0)
        if settings.HELPLINE_KEYS:
            self.stdout.write(f"No row needs {key_id}: take it out of HELPLINE_KEYS everywhere.")
        else:
            edit_keyring_file(lambda ring: ring.without_key(purpose, key_id))
            self.stdout.write(f"Key {key_id} is gone. Backups made before still need it.")

    def purpose_of(self, key_id: str) -> str:
        """What an old key is for. Raises CommandError for a key that cannot be retired."""
        ring = get_keyring()
        if key_id in ring.audit.keys:
            raise CommandError(f"{key_id} signs events, which are kept as they are; it stays.")
        for purpose in (ENCRYPTION, INDEX):
            if key_id == ring.purpose(purpose).current:
                raise CommandError(f"{key_id} is the current key; add a new one first.")
            if key_id in ring.purpose(purpose).keys:
                return purpose
        raise CommandError(f"There is no key {key_id} in the key ring.")

    def wait_for_stragglers(self, settle_seconds: int) -> None:
        """Until whatever was sealed before the ring last changed is committed and can be seen."""
        if settings.HELPLINE_KEYS:
            return  # the operator restarted everything
        age = time.time() - keyring_path().stat().st_mtime
        if age < settle_seconds:
            self.stdout.write(f"Waiting {settle_seconds - age:.0f} s for requests under way.")
            time.sleep(settle_seconds - age)

    def record(self, step: str, purpose: str, key_id: str, rows: int) -> None:
        detail = {"step": step, "purpose": purpose, "key": key_id, "rows": rows}
        events.write("keys.rotated", by=events.SYSTEM, now=timezone.now(), detail=detail)
