"""Addresses of the public pages, none of which says what the helpline is about, and of machines."""

from django.urls import path

from intake import views, webhooks

urlpatterns = [
    path("", views.home, name="home"),
    path("callback/", views.CallbackPage.as_view(), name="callback"),
    path("hooks/phone", webhooks.phone, name="hooks-phone"),
    path("callback/thanks/<str:token>/", views.thanks, name="callback-thanks"),
]
