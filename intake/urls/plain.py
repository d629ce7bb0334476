"""Addresses that speak no language: the way out, what styles a page, and what machines tell us."""

from django.contrib import admin
from django.urls import path

from intake import views, webhooks

staff = admin.site.admin_view

urlpatterns = [
    path("leave/", views.leave, name="leave"),
    path("brand/style.css", views.brand_style, name="brand-style"),
    path("brand/logo", views.brand_logo, name="brand-logo"),
    path("brand/preview/style.css", staff(views.preview_style), name="brand-preview-style"),
    path("brand/preview/logo", staff(views.preview_logo), name="brand-preview-logo"),
    path("brand/preview/day.css", staff(views.preview_day), name="brand-preview-day"),
    path("brand/preview/night.css", staff(views.preview_night), name="brand-preview-night"),
    path("hooks/phone", webhooks.phone, name="hooks-phone"),
]
