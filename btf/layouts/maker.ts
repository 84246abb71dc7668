import type { Type } from "../../layout/static.ts";
import type { TypeTable } from "../format/type_table.ts";

/** Makes layouts, for those of which others are parts. */
export interface Maker {
  /** The table of the types. */
  readonly table: TypeTable;
  /**
   * Makes the layout of a type.
   *
   * @param open True where the type may end in an array without a length.
   */
  make(id: number, open: boolean): Type;
  /** Counts members. @throws {BtfError} if they are more than a layout may have. */
  spend(work: number, id: number): void;
}
