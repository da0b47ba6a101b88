// Nothing: precompiled.hpp is compiled with it.
