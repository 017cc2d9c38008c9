// What the server told this page: LIFF id, addresses, language. Nothing about a person.

export const settings = JSON.parse(document.getElementById("settings").textContent);

/** The app's own address for a mini-app page, such as /liff/book. */
export const address = (path) => `/liff${path}`;
