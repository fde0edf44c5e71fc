// What every view draws with: preact, its hooks, signals, and htm's tagged templates in the place of JSX.
import { createElement, Fragment, render } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

export { Fragment, render };
export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/hooks.js";
export { batch, computed, effect, signal, useComputed, useSignal } from "./vendor/signals.js";
export const html = htm.bind(createElement);
