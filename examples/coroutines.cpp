// Coroutines: a span stays with its coroutine, whatever thread that goes on with.
#include <condition_variable>
#include <coroutine>
#include <cstdio>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include <apm/apm.hpp>
#include <apm/coroutine.hpp>
#include <apm/testing.hpp>

APM_FIELDS(Fetch, (std::string, url));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "coroutines"};

    span<>      page {this, "page", "A page and what is in it"};
    span<Fetch> fetch{this, "fetch", "One thing fetched"};
    span<>      parse{this, "parse", "Reading what was fetched"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

// A thread that goes on with whatever is given to it: `co_await worker` continues there.
class worker {
public:
    ~worker() { post(nullptr), thread_.join(); }
    void post(std::coroutine_handle<> h) {
        const std::lock_guard lock(mutex_);
        queue_.push_back(h);
        more_.notify_one();
    }
    [[nodiscard]] bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> h) { post(h); }
    void await_resume() const {}

private:
    void run() {
        for (;;) {
            std::unique_lock lock(mutex_);
            more_.wait(lock, [&] { return !queue_.empty(); });
            const auto next = queue_.front();
            queue_.pop_front();
            lock.unlock();
            if (!next) return;
            next.resume();
        }
    }
    std::mutex mutex_;
    std::condition_variable more_;
    std::deque<std::coroutine_handle<>> queue_;
    std::thread thread_{[this] { run(); }};
};

// With apm's own task type there is nothing to do: each co_await takes the spans along.
apm::traced_task<int> fetch(worker& elsewhere, std::string url) {
    TRACE_SCOPE(telemetry.fetch, {.url = url});
    co_await elsewhere;
    TRACE_SCOPE(telemetry.parse);
    co_return static_cast<int>(url.size());
}
apm::traced_task<int> page(worker& elsewhere) {
    TRACE_SCOPE(telemetry.page);
    const int text = co_await fetch(elsewhere, "/index.html");
    const int image = co_await fetch(elsewhere, "/logo.png");
    co_return text + image;
}

// With another library's task type, one line at the top and a word at each co_await.
struct fire_and_forget {
    struct promise_type {
        fire_and_forget get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};
fire_and_forget prefetch(worker& elsewhere) {
    apm::coroutine_context here;
    TRACE_SCOPE(telemetry.fetch, {.url = "/next.html"});
    co_await here(elsewhere);
    TRACE_SCOPE(telemetry.parse);
}

int main() {
    apm::testing::span_probe spans;
    {
        worker elsewhere;
        std::printf("%d bytes\n", apm::sync_wait(page(elsewhere)));
        prefetch(elsewhere);
    }
    std::puts(spans.tree({"url"}).c_str());
}
