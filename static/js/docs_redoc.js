// Draws /redoc from our own files. Its search would need a worker from a blob: left out.

const place = document.getElementById("api-docs");
window.Redoc.init(
  place.dataset.schema,
  { disableSearch: true, hideHostname: true, hideDownloadButton: true, nativeScrollbars: true },
  place,
);
