// A process that has 200 rows, and records once.
#include "../large.hpp"

int main() { large::record(); }
