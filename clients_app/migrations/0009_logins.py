import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models
from django.utils import timezone


class Migration(migrations.Migration):
    """Tokens become logins. Those that a password alone had opened are gone: their devices log in
    again, with the second factor."""

    dependencies = [
        ("clients_app", "0008_wall_of_the_ledger"),
    ]

    operations = [
        migrations.RunSQL("DELETE FROM clients_app_accesstoken", migrations.RunSQL.noop),
        migrations.RenameModel("AccessToken", "Login"),
        migrations.RenameIndex("login", new_name="login_expiry", old_name="token_expiry"),
        migrations.AlterModelOptions("login", {"verbose_name": "login", "verbose_name_plural": "logins"}),
        migrations.AlterField(
            "login",
            "user",
            models.ForeignKey(on_delete=models.CASCADE, related_name="logins", to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            "login",
            "kind",
            models.CharField(choices=[("browser", "browser"), ("device", "device")], default="device", max_length=8),
        ),
        migrations.AddField(
            "login", "seen_at", models.DateTimeField(default=timezone.now), preserve_default=False
        ),
        migrations.AddField(
            "login", "confirmed_at", models.DateTimeField(default=timezone.now), preserve_default=False
        ),
        migrations.CreateModel(
            name="KnownDevice",
            fields=[
                ("id", models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("expires_at", models.DateTimeField()),
                ("user", models.ForeignKey(on_delete=models.CASCADE, related_name="known_devices", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "verbose_name": "known device",
                "verbose_name_plural": "known devices",
                "indexes": [models.Index(fields=["expires_at"], name="known_device_expiry")],
            },
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("expires_at", models.DateTimeField()),
                ("user", models.OneToOneField(on_delete=models.CASCADE, related_name="invitation", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "verbose_name": "invitation",
                "verbose_name_plural": "invitations",
                "indexes": [models.Index(fields=["expires_at"], name="invitation_expiry")],
            },
        ),
    ]
