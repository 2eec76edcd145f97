"""GET /admin/users: list the accounts, page by page."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_supabase_standin import response_bodies
from ava_supabase_standin.accounts.caller import admin_role
from ava_supabase_standin.accounts.user_rows import NIL_UUID
from ava_supabase_standin.errors import validation_failed
from ava_supabase_standin.requests.audience import request_audience
from ava_supabase_standin.resources import resources_of

PER_PAGE = 50
WHERE = """from auth.users where instance_id = $1 and aud = $2
  and ($3 = '' or email like '%' || $3 || '%' or raw_user_meta_data ->> 'full_name' ilike '%' || $3 || '%')"""


async def list_users(request: Request) -> Response:
    """200 {users, aud}, newest first, with X-Total-Count and Link headers. Identities are null."""
    async with resources_of(request).pool.acquire() as connection:
        await admin_role(connection, request)
        page, per_page = _number(request, "page", 1), _number(request, "per_page", PER_PAGE)
        direction = _direction(request)
        asked = (NIL_UUID, request_audience(request), request.query_params.get("filter", ""))
        total: int = await connection.fetchval(f"select count(*) {WHERE}", *asked)
        query = f"select * {WHERE} order by created_at {direction} limit $4 offset $5"
        rows = await connection.fetch(query, *asked, per_page, (max(page, 1) - 1) * per_page)
    found = {"users": [response_bodies.user_body(row, None) for row in rows], "aud": asked[1]}
    headers = {"X-Total-Count": str(total), "Link": _links(request, page, -(-total // max(per_page, 1)))}
    return JSONResponse(found, headers=headers)


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name) or str(default)
    if not text.isdecimal():
        message = f'strconv.ParseUint: parsing "{text}": invalid syntax'
        raise validation_failed(f"Bad Pagination Parameters: {message}")
    return min(int(text), 10**6)


def _direction(request: Request) -> str:
    field, _, direction = (request.query_params.get("sort") or "created_at desc").partition(" ")
    if field != "created_at" or direction.lower() not in ("", "asc", "desc"):
        raise validation_failed("Bad Sort Parameters: bad field for sort")
    return "asc" if direction.lower() == "asc" else "desc"


def _links(request: Request, page: int, last: int) -> str:
    def link(number: int, name: str) -> str:
        query = urlencode(sorted({**request.query_params, "page": number}.items()))
        return f'<{request.url.path}?{query}>; rel="{name}"'

    following = [link(page + 1, "next")] if last > page else []
    return ", ".join([*following, link(last, "last")])
