"""Routes of the API: who, and the custody of the file."""

from django.urls import path

from clients_app.api import care, clients, holds, me, purges, retention, trail, users

CLIENT = "clients/<uuid:client_id>"
RUN = "purge-runs/<uuid:run_id>"

urlpatterns = [
    path("tokens", me.Tokens.as_view()),
    path("tokens/current", me.CurrentToken.as_view()),
    path("me", me.OneSelf.as_view()),
    path("me/confirm", me.Confirming.as_view()),
    path("me/logins", me.OwnLogins.as_view()),
    path("me/logins/<uuid:login_id>", me.OneOwnLogin.as_view()),
    path("me/password", me.OwnPassword.as_view()),
    path("clients", clients.Clients.as_view()),
    path("clients/search", clients.Search.as_view()),
    path(CLIENT, clients.OneClient.as_view()),
    path(f"{CLIENT}/discharge", clients.Discharging.as_view()),
    path(f"{CLIENT}/reopen", clients.Reopening.as_view()),
    path(f"{CLIENT}/care", care.Care.as_view()),
    path(f"{CLIENT}/care/hand-over", care.HandingOver.as_view()),
    path(f"{CLIENT}/care/<uuid:assignment_id>", care.OneAssignment.as_view()),
    path(f"{CLIENT}/retention", retention.Retention.as_view()),
    path(f"{CLIENT}/access-log", trail.AccessLog.as_view()),
    path("counsellors", care.Counsellors.as_view()),
    path("retention-rules", retention.Rules.as_view()),
    path("retention-rules/<uuid:rule_id>/retire", retention.RetiringRule.as_view()),
    path("legal-holds", holds.Holds.as_view()),
    path("legal-holds/<uuid:hold_id>", holds.OneHold.as_view()),
    path("legal-holds/<uuid:hold_id>/lift", holds.LiftingHold.as_view()),
    path("purge-runs", purges.Runs.as_view()),
    path(RUN, purges.OneRun.as_view()),
    path(f"{RUN}/approve", purges.Approving.as_view()),
    path(f"{RUN}/refuse", purges.Refusing.as_view()),
    path(f"{RUN}/items", purges.Files.as_view()),
    path(f"{RUN}/items/<uuid:item_id>/take-out", purges.TakingOut.as_view()),
    path("destruction-records", purges.Certificates.as_view()),
    path("trail", trail.Trail.as_view()),
    path("users", users.Users.as_view()),
    path("users/<uuid:user_id>", users.OneUser.as_view()),
    path("users/<uuid:user_id>/invite", users.Inviting.as_view()),
    path("users/<uuid:user_id>/logins", users.Logins.as_view()),
]
