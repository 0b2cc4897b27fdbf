// Loads the wasm and brings the page's islands to life. GLUE and WASM are replaced by file names.
import init, * as app from "./GLUE";

await init({ module_or_path: new URL("./WASM", import.meta.url) });
app.hydrate();
for (const element of document.querySelectorAll("leptos-island")) {
  const hydrate = app[element.dataset.component];
  if (hydrate) {
    hydrate(element);
  } else {
    console.error(`The island ${element.dataset.component} is not in this wasm.`);
  }
}
