// Words that other libraries' headers define as macros, defined here as what no C++ can be made of: a header of ours that is
// included behind them and uses one does not compile. Those with parameters are macros only in front of a parenthesis, so that
// std::min(a, b) is one and (std::min)(a, b) is not.
#define APM_HOSTILE <a macro of another library is in the way>

// Qt
#define signals APM_HOSTILE
#define slots APM_HOSTILE
#define emit APM_HOSTILE
#define foreach APM_HOSTILE
#define forever APM_HOSTILE

// X11
#define None APM_HOSTILE
#define Status APM_HOSTILE
#define Bool APM_HOSTILE
#define True APM_HOSTILE
#define False APM_HOSTILE
#define Success APM_HOSTILE
#define Always APM_HOSTILE
#define Never APM_HOSTILE
#define Above APM_HOSTILE
#define Below APM_HOSTILE
#define Complex APM_HOSTILE
#define Convex APM_HOSTILE
#define Unsorted APM_HOSTILE

// Windows, and what is written for it too
#undef near
#undef far
#undef TRUE
#undef FALSE
#define min(a, b) APM_HOSTILE
#define max(a, b) APM_HOSTILE
#define small APM_HOSTILE
#define near APM_HOSTILE
#define far APM_HOSTILE
#define interface APM_HOSTILE
#define ERROR APM_HOSTILE
#define NO_ERROR APM_HOSTILE
#define DELETE APM_HOSTILE
#define IN APM_HOSTILE
#define OUT APM_HOSTILE
#define OPTIONAL APM_HOSTILE
#define TRUE APM_HOSTILE
#define FALSE APM_HOSTILE

// glibc, and compilers in GNU mode
#undef I
#undef major
#undef minor
#undef makedev
#undef unix
#undef linux
#define I APM_HOSTILE
#define major(dev) APM_HOSTILE
#define minor(dev) APM_HOSTILE
#define makedev(major, minor) APM_HOSTILE
#define unix APM_HOSTILE
#define linux APM_HOSTILE

// Apple's AssertMacros.h, and test libraries
#define check(...) APM_HOSTILE
#define verify(...) APM_HOSTILE
#define require(...) APM_HOSTILE
#define CHECK(...) APM_HOSTILE
#define REQUIRE(...) APM_HOSTILE
#define SECTION(...) APM_HOSTILE

// Linux, and what took it from there
#define likely(x) APM_HOSTILE
#define unlikely(x) APM_HOSTILE
