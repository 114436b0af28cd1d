// Before ReDoc: each style tag that it makes gets this page's nonce. On this one page only.

{
  const { nonce } = document.getElementById("api-docs").dataset;
  const create = document.createElement;
  document.createElement = function createElement(name, ...more) {
    const made = create.call(this, name, ...more);
    if (String(name).toLowerCase() === "style") made.nonce = nonce;
    return made;
  };
}
