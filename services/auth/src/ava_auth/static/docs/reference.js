// Shows /openapi.json with Swagger UI. "Authorize" takes the access_token of POST /auth/login.
"use strict";

addEventListener("DOMContentLoaded", () => {
  SwaggerUIBundle({ url: "/openapi.json", dom_id: "#reference", deepLinking: true, docExpansion: "list", validatorUrl: null });
});
