"""Addresses of the public pages; none of them says what the helpline is about."""

from django.urls import path

from intake import views

urlpatterns = [
    path("", views.home, name="home"),
    path("callback/", views.CallbackPage.as_view(), name="callback"),
    path("callback/thanks/<str:token>/", views.thanks, name="callback-thanks"),
]
