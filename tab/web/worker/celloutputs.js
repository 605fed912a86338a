// The outputs of a cell, in few messages: one for each line of an endless loop would be gigabytes.
import { newOutput } from "./output.js";

/**
 * Return `add` for each output of a cell, an object of nbformat as JSON, and `end` for its end.
 * `report` gets the objects; what the cell prints is bounded.
 *
 * @param {(output: object) => void} report
 */
export const newOutputs = (report) => {
  let name = "stdout";
  const printed = newOutput(
    (text) => report({ output_type: "stream", name, text }),
  );
  return {
    /** @param {string} json */
    add(json) {
      const output = JSON.parse(json), isStream = output.output_type === "stream";
      // Outputs keep their order.
      if (!isStream || output.name !== name) printed.flush();
      if (!isStream) return report(output);
      name = output.name;
      printed.add(output.text);
    },
    end: printed.end,
  };
};
