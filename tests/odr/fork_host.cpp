// A plugin collects first of all in the process, and is closed: a child of a fork starts from zero all the same.
#include <cstdio>
#include <cstdlib>

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared.hpp"

int main(int, char** argv) {
    void* a = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!a) std::fprintf(stderr, "%s\n", dlerror()), std::exit(1);
    odr::view v;
    reinterpret_cast<void (*)(odr::view*)>(dlsym(a, "look_a"))(&v);
    dlclose(a);
    odr::record_everywhere(7);
    const pid_t child = fork();
    if (child == 0) {
        odr::record_everywhere(1);
        _exit(static_cast<int>(odr::look().events));
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WEXITSTATUS(status) == 1 && odr::look().events == 7) return 0;
    std::fprintf(stderr, "failed: the child counts %d\n", WEXITSTATUS(status));
    return 1;
}
