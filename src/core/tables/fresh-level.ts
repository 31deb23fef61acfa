/** How many steps of fading a greylisting lives through: the largest value of a cell of four bits in the fading filter. */
export const freshLevel = 15
