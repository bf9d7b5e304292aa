"""Routes of the API: who, and the custody of the file."""

from django.urls import path

from clients_app.api import (
    care,
    clients,
    exceptions,
    holds,
    me,
    promises,
    purges,
    retention,
    trail,
    users,
)

CLIENT = "clients/<uuid:client_id>"
RUN = "purge-runs/<uuid:run_id>"

urlpatterns = [
    path("tokens", me.Tokens.as_view()),
    path("tokens/current", me.CurrentToken.as_view()),
    path("me", me.OneSelf.as_view()),
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
    path(f"{CLIENT}/agreements", promises.Agreements.as_view()),
    path(
        f"{CLIENT}/agreements/<uuid:agreement_id>/withdraw",
        promises.WithdrawingAgreement.as_view(),
    ),
    path(f"{CLIENT}/exceptions", exceptions.ClientExceptions.as_view()),
    path("exceptions", exceptions.Exceptions.as_view()),
    path("exceptions/<uuid:exception_id>", exceptions.OneException.as_view()),
    path("exceptions/<uuid:exception_id>/client-told", exceptions.TellingClient.as_view()),
    path("promises", promises.Promises.as_view()),
    path("promises/current", promises.CurrentPromise.as_view()),
    path("promises/shipped", promises.Wording.as_view()),
    path("promises/<uuid:promise_id>", promises.OnePromise.as_view()),
    path("promises/<uuid:promise_id>/publish", promises.PublishingPromise.as_view()),
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
    path("users/<uuid:user_id>/reset-password", users.PasswordReset.as_view()),
]
