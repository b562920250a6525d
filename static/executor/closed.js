// On the server's page of a closed run: what this phone still holds of it.

import { unsentBox } from "./unsent.js";
import { showTimes } from "./dom.js";

showTimes(document);

const run = location.pathname.split("/")[2];
const box = await unsentBox(run);
if (box) document.querySelector("main").append(box);
