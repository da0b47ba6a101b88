// The one main of all tests. Catch2 2 compiles its whole runner here, which takes longer than any test: hence once.
#if __has_include(<catch2/catch_all.hpp>)
    #include <catch2/catch_all.hpp>
int main(int argc, char** argv) { return Catch::Session{}.run(argc, argv); }
#else
    #define CATCH_CONFIG_MAIN
    #include <catch2/catch.hpp>
#endif
