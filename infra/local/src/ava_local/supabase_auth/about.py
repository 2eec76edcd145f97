"""What the service says about itself: health, settings, public keys."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_local.supabase_auth.requests import here

PROVIDERS = """anonymous_users apple azure bitbucket discord facebook snapchat figma fly github gitlab
  google keycloak kakao linkedin linkedin_oidc notion spotify slack
  slack_oidc workos twitch twitter email phone zoom"""


async def healthz(request: Request) -> Response:
    """200 when the database answers too: what the local stack waits for, without a key."""
    await here(request).pool.fetchval("select 1")
    return JSONResponse({"status": "ok"})


async def health(_: Request) -> Response:
    """200 whenever the process lives, as upstream."""
    about = "GoTrue is a user registration and authentication API"
    return JSONResponse({"version": "ava-local", "name": "GoTrue", "description": about})


async def settings(request: Request) -> Response:
    """200 with the switches a client needs, above all whether addresses have to be confirmed."""
    told = here(request).settings
    return JSONResponse(
        {
            "external": dict.fromkeys(PROVIDERS.split(), False) | {"email": told.email_enabled},
            "disable_signup": told.disable_signup,
            "mailer_autoconfirm": told.mailer_autoconfirm,
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
    return JSONResponse(here(request).keys.published(), headers=headers)
