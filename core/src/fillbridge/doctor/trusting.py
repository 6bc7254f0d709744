"""Whether what a run would import and log in with is what it is taken for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fillbridge.config.beforehand import beforehand_of
from fillbridge.doctor.findings import Finding, Patient, fail, many, ok, warn
from fillbridge.handlers.intake_wiring import proposal_secret
from fillbridge.handlers.live_wiring import Credentials, live_secrets, wrapped_driver
from fillbridge.plugins.dependencies import judge_dependencies
from fillbridge.plugins.lock import read_lock
from fillbridge.plugins.trust import judge
from fillbridge.redaction import Redactor
from fillbridge.trusted import lock_path
from fillbridge_hooks import ConfigurationError, FillbridgeError, Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

_MEND = "put them where a provider finds them"


def plugins(patient: Patient) -> Finding:
    """Whether the installed plugins are those that were locked."""
    must = beforehand_of(patient.settings).must_be_locked
    path = lock_path(patient.config)
    command = "fillbridge plugins lock" + (f" --config {patient.config}" if patient.config else "")
    if not path.exists():
        said = f"{path} is not there: whatever is installed is imported"
        if must:
            return fail("plugins", said, command)
        return ok("plugins", f"{said}; trading in prod needs it ({command})")
    lock = read_lock(path)
    judged, depended = judge(lock), judge_dependencies(lock)
    bad = [one for one in judged if not one.is_trusted]
    changed = [one for one in bad if one.is_listed]
    if changed:
        said = "; ".join(f"{one.source}: {one.reason}" for one in changed)
        return fail("plugins", said, "find out who changed it; then install anew, and lock again")
    other = [one for one in depended if one.status != "trusted"]
    if other:
        said = "; ".join(f"{one.distribution} {one.version}: {one.reason}" for one in other)
        return fail("plugins", said, "find out who changed it; then install anew, and lock again")
    if bad:
        said = ", ".join(str(one.source) for one in bad)
        advice = "uninstall them, or lock again"
        return warn("plugins", f"not in {path}, and never imported: {said}", advice)
    editable = [one.source.plugin for one in judged if one.install == "editable"]
    if editable and patient.is_prod:
        said = f"installed editable, so that RECORD has no hash of their sources: {editable}"
        return warn("plugins", said, "install wheels for trading in prod, and lock again")
    said = f"{many(len(judged), 'plugin')} and what they depend on as locked in {path}"
    return ok("plugins", said)


def driver(patient: Patient) -> Finding:
    """Whether the way to the broker loads."""
    name = patient.settings.live_settings.provider or "sim"
    try:
        found = wrapped_driver(name, patient.settings, patient.plugins)
    except FillbridgeError as error:
        return fail("driver", str(error), "name one that is installed")
    can = sorted(
        field
        for field in found.capabilities.__struct_fields__
        if getattr(found.capabilities, field) is True
    )
    return ok("driver", f"'{name}' loads; it offers {', '.join(can) or 'the least'}")


def secrets(patient: Patient) -> Finding:
    """Whether every credential and every proposal key can be had; none is shown."""
    live = patient.settings.live_settings
    references: Mapping[str, str] = live.credentials
    keys: Mapping[str, str] = {
        f"proposal_keys.{key_id}": key.secret for key_id, key in live.proposal_keys.items()
    }
    if not references and not keys:
        return ok("secrets", "no credentials are configured")
    try:
        redactor = Redactor()
        secrets = live_secrets(patient.settings, patient.plugins, redactor)
    except ConfigurationError as error:
        return fail("secrets", str(error), _MEND)
    found: Mapping[str, Secret] = Credentials(references, secrets, redactor)
    missing: list[str] = []
    for name in references:
        try:
            if not found[name].reveal():
                missing.append(f"{name} is empty")
        except ConfigurationError as error:
            missing.append(f"{name}: {error}")
    for key_id in live.proposal_keys:
        try:
            proposal_secret(patient.settings, secrets, key_id, redactor)
        except ConfigurationError as error:
            missing.append(f"proposal_keys.{key_id}: {error}")
    if missing:
        return fail("secrets", "; ".join(missing), _MEND)
    written = {**references, **keys}
    literal = sorted(name for name, value in written.items() if not value.startswith("${"))
    if literal:
        said = f"written out in the configuration: {', '.join(literal)}"
        return warn("secrets", said, "keep them elsewhere, and refer to them as ${NAME}")
    resolved = [many(len(references), "credential")] if references else []
    resolved += [many(len(keys), "proposal key")] if keys else []
    return ok("secrets", f"{' and '.join(resolved)} resolved")
