// Another process of this program, for a service of its own. It ends when this object does, and when this process does.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace shop {

class Child {
public:
    // Starts it, and waits for its first line: `shop-orders: http://127.0.0.1:40001, ...`, which is printed here as well. To be
    // called before the first thread and the runtime. Ends the program with one line where the child does not start.
    explicit Child(const std::vector<std::string>& arguments);
    ~Child() { stop(); }
    Child(Child&& other) noexcept;
    Child& operator=(Child&&) = delete;

    [[nodiscard]] const std::string& url() const { return url_; }

    // Asks it to end, and makes it after ten seconds, which is more than its runtime may take; prints what it had to say. False
    // where it did not end well.
    bool stop();

private:
    pid_t process_ = 0;
    int output_ = -1;
    std::string url_;
};

}  // namespace shop
