// Puts two phones on the desk (a small screen shows one) and starts the panel.

import { ask, listen } from "./api.js";
import { startPanel } from "./panel.js";
import { Phone } from "./phone.js";

const place = document.getElementById("phones");
const phones = [1, 2].map((number) => new Phone(place, number));
const asked = new URLSearchParams(location.search).getAll("user");
const people = await ask("users?limit=2");

for (const [index, phone] of phones.entries()) {
  const user = asked[index] ?? localStorage.getItem(`phone-${index + 1}`) ?? people[index]?.user_id;
  if (user) await phone.hold(user);
}
startPanel();
listen();
