// Swagger UI over our schema; calls from this page use its session.
const place = document.getElementById("swagger");

window.SwaggerUIBundle({
  url: place.dataset.schema,
  dom_id: "#swagger",
  presets: [window.SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  requestInterceptor(request) {
    if (request.method && request.method !== "GET") request.headers[place.dataset.csrfHeader] = place.dataset.csrfToken;
    return request;
  },
});
