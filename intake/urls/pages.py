"""The pages for callers, each in every language. No address says what the helpline is about."""

from django.contrib import admin
from django.urls import path

from intake import views

staff = admin.site.admin_view

urlpatterns = [
    path("", views.home, name="home"),
    path("info/", views.info, name="info"),
    path("callback/", views.CallbackPage.as_view(), name="callback"),
    path("callback/thanks/<str:token>/", views.thanks, name="callback-thanks"),
    path("manage/", views.OwnRequestPage.as_view(), name="manage"),
    path("manage/time/", views.TimePage.as_view(), name="manage-time"),
    path("manage/cancel/", views.CancelPage.as_view(), name="manage-cancel"),
    path("manage/stop/", views.StopPage.as_view(), name="manage-stop"),
    path("manage/<str:token>/", views.private_link, name="manage-link"),
    path("brand/preview/first/", staff(views.preview_home), name="brand-preview-home"),
    path("brand/preview/thanks/", staff(views.preview_thanks), name="brand-preview-thanks"),
]
