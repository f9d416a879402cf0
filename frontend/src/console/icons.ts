import { svg } from "lit";
import { icon } from "../look/icons.ts";

// Those that the console page alone has: the modal's script, which travels to other pages, has none of them.
export const plusIcon = icon("plus", svg`<path d="M12 5.5v13M5.5 12h13" />`);
export const refreshIcon = icon("refresh", svg`<path d="M18.5 8.5a7.5 7.5 0 1 0 1 5M19 4.5v4.3h-4.3" />`);
