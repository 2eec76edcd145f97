"""GET /healthz, /health, /settings and the public signing keys.

See docs/contracts/supabase-auth.md#service-endpoints.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_supabase_standin.resources import resources_of

PROVIDERS = """anonymous_users apple azure bitbucket discord facebook snapchat figma fly github gitlab
  google keycloak kakao linkedin linkedin_oidc notion spotify slack
  slack_oidc workos twitch twitter email phone zoom"""


async def healthz(request: Request) -> Response:
    """200 if the database responds; needs no key. The local stack waits for it."""
    await resources_of(request).pool.fetchval("select 1")
    return JSONResponse({"status": "ok"})


async def health(_: Request) -> Response:
    """200 whenever the process runs, as upstream."""
    about = "GoTrue is a user registration and authentication API"
    return JSONResponse({"version": "ava-supabase-standin", "name": "GoTrue", "description": about})


async def settings(request: Request) -> Response:
    """200 with the settings a client needs, such as whether e-mail addresses must be confirmed."""
    current = resources_of(request).settings
    return JSONResponse(
        {
            "external": dict.fromkeys(PROVIDERS.split(), False) | {"email": current.email_enabled},
            "disable_signup": current.disable_signup,
            "mailer_autoconfirm": current.mailer_autoconfirm,
            "phone_autoconfirm": False,
            "sms_provider": "",
            "saml_enabled": False,
            "saml_private_key_next_configured": False,
            "passkeys_enabled": False,
        }
    )


async def jwks(request: Request) -> Response:
    """200, cacheable for ten minutes."""
    headers = {"Cache-Control": "public, max-age=600"}
    return JSONResponse(resources_of(request).keys.jwks(), headers=headers)
