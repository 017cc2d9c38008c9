// A page of words: readable by anyone; opening it is noted when we know who it is.

import { noteOpening, signIn } from "./app.js";

signIn().then(noteOpening, (error) => console.error(error));
