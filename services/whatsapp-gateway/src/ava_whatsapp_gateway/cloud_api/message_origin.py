"""Write where a message came from as text: the ad or post that was tapped, the product that it asks about.

Decision 0150. See docs/contracts/whatsapp-cloud-api.md#message-types.
"""

from ava_whatsapp_gateway.cloud_api.lenient_json import Json, find, text
from ava_whatsapp_gateway.cloud_api.readable_json import joined, readable


def came_from(message: Json) -> str:
    """What stands behind the words of a message; empty for one that was just written."""
    product = find(message, "context", "referred_product")
    return joined("\n", [_referral(message.get("referral")), _product(product)])


def _referral(referral: object) -> str:
    """What the person saw and tapped: its text and its address, not the ids and files of the advertiser."""
    kind = text(find(referral, "source_type"), 20).strip() or "ad"
    seen = joined(" – ", (readable(find(referral, key)) for key in ("headline", "body", "source_url")))
    return f"[from the {kind}: {seen}]" if seen else ""


def _product(product: object) -> str:
    name = readable(find(product, "product_retailer_id"))
    return f"[about the product {name}]" if name else ""
