"""The four roles. A right is given here or not at all; tests/access_matrix holds every cell."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

CHAIN = (
    "view_person change_person add_person search_person"
    " view_call add_call change_call"
    " view_callamendment add_callamendment"
    " view_substanceuse add_substanceuse change_substanceuse"
    " view_safetyscreen add_safetyscreen change_safetyscreen"
    " view_consent add_consent change_consent"
    " view_disclosure add_disclosure"
    " view_insurancepolicy add_insurancepolicy change_insurancepolicy"
    " view_insurancecheck add_insurancecheck change_insurancecheck work_insurancecheck"
    " view_benefit add_benefit"
    " view_facility view_servicecode view_directoryedition"
    " view_capacityreading add_capacityreading"
    " view_referral add_referral change_referral"
    " view_referraloffer add_referraloffer change_referraloffer"
    " view_callback add_callback change_callback review_callback"
    " view_attempt add_attempt"
    " view_notice change_notice"
    " view_answercard add_answerfeedback"
    " view_handover add_handover"
    " view_handoveracknowledgement add_handoveracknowledgement"
    " add_debrief"
)

ROLES = {
    "Agent": CHAIN,
    "Supervisor": CHAIN
    + " view_reminder revive_reminder view_heartbeat"
    + " view_reports export_reports change_facility"
    + " add_answercard change_answercard review_answercard view_answerfeedback"
    + " view_debrief change_debrief"
    + " view_revieworder view_blockednumber lift_blockednumber"
    + " view_branding change_branding publish_branding"
    + " view_phoneevent change_phoneevent view_textmessage view_textstop",
    # Sees who did what, and what was told to whom; no narrative, no number.
    "Privacy officer": "view_event view_eventseal view_disclosure view_keycheck view_heartbeat",
    # Sees who may log in; no caller.
    "Administrator": "auth.view_user auth.add_user auth.change_user auth.view_group"
    " view_facility view_servicecode view_directoryedition view_heartbeat"
    # Prepares what the public pages show; a supervisor, who knows the callers, publishes it.
    " view_branding change_branding",
}


def grant(apps, schema_editor):
    """Create the roles with exactly these permissions; may be run again."""
    _create_permissions(apps)
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    for role, names in ROLES.items():
        group, _created = Group.objects.get_or_create(name=role)
        permissions = []
        for name in names.split():
            app_label, _dot, codename = name.rpartition(".")
            permissions.append(
                Permission.objects.get(
                    content_type__app_label=app_label or "intake", codename=codename
                )
            )
        group.permissions.set(permissions)


def _create_permissions(apps):
    # Django makes them after all migrations; the roles need them now.
    for label in ("auth", "intake"):
        config = installed.get_app_config(label)
        create_permissions(config, apps=apps, verbosity=0)


def revoke(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(grant, revoke)]
