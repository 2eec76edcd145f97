"""What every control endpoint shares: its simulator, its phone, its body, and error responses."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_whatsapp_simulator.phones.phones import InvalidPhoneNumber, Phone
from ava_whatsapp_simulator.simulator import Simulator

Handler = Callable[[Request], Awaitable[Response]]
Model = TypeVar("Model", bound=BaseModel)


class PhoneNotFound(Exception):
    """No phone with this number exists yet. Send a message from it first, or create it with PUT."""


def with_error_responses(handler: Handler) -> Handler:
    """Turn invalid input into a 400 that says what to do, and an unknown phone into a 404."""

    async def respond(request: Request) -> Response:
        try:
            return await handler(request)
        except PhoneNotFound as error:
            return JSONResponse({"error": error.__doc__}, 404)
        except InvalidPhoneNumber as error:
            return JSONResponse({"error": error.__doc__}, 400)
        except (ValidationError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)

    return respond


def simulator_of(request: Request) -> Simulator:
    """The simulator this process runs."""
    simulator: Simulator = request.app.state.simulator
    return simulator


def phone_of(request: Request) -> Phone:
    """The phone whose number is in the path. Raises PhoneNotFound."""
    phone = simulator_of(request).phones.find(request.path_params["number"])
    if phone is None:
        raise PhoneNotFound
    return phone


async def read_body(request: Request, model: type[Model]) -> Model:
    """The body as a model; an empty body is an empty object. Raises ValidationError."""
    return model.model_validate_json(await request.body() or b"{}")
