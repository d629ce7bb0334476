from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from helpline import health, metrics

handler404 = "helpline.requests.not_found"

urlpatterns = [
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", metrics.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    # English where it always was, Spanish under /es/. The path alone decides: no cookie, no guess
    # from the browser, so a link shows everybody the same page.
    *i18n_patterns(path("", include("intake.urls.pages")), prefix_default_language=False),
    path("", include("intake.urls.plain")),
]
