/** Pages that do not move (login, errors): only what a person may set. */

import "./components/choices.js";
