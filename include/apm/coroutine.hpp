// Spans in coroutines: a coroutine's spans leave the thread when it is suspended, and go to the thread that resumes it.
//
//     apm::traced_task<Receipt> charge(Cart cart) {          // a task type that does it by itself
//         TRACE_SCOPE(shop::telemetry.charge);
//         co_return co_await bank(cart);
//     }
//     Receipt receipt = apm::sync_wait(charge(cart));
//
//     other::task<Receipt> charge(Cart cart) {               // another library's task type
//         apm::coroutine_context here;                       // first of all
//         TRACE_SCOPE(shop::telemetry.charge);
//         co_return co_await here(bank(cart));               // each co_await
//     }
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <pthread.h>

#include <apm/config.hpp>
#include <apm/detail/awaiter_reference.hpp>
#include <apm/detail/mutex.hpp>
#include <apm/tracing/stack_part.hpp>

namespace apm::inline APM_ABI {

// For coroutine_context: the coroutine does not run yet.
struct not_started_t {};
inline constexpr not_started_t not_started{};

namespace detail {

template <class A>
constexpr decltype(auto) awaiter_of(A&& a) {
    if constexpr (requires { static_cast<A&&>(a).operator co_await(); }) return static_cast<A&&>(a).operator co_await();
    else if constexpr (requires { operator co_await(static_cast<A&&>(a)); }) return operator co_await(static_cast<A&&>(a));
    else return static_cast<A&&>(a);
}
// Awaiters are referred to, as co_await itself does. But those of no consequence are copied, so that a promise may write
// `return context(std::suspend_always{})`.
template <class A>
struct kept_awaiter { using type = A; };
template <class A>
    requires std::is_trivially_copyable_v<A>
struct kept_awaiter<A&&> { using type = A; };

// Between a coroutine and what it awaits.
template <class A>
class [[nodiscard]] awaiting {
    using awaiter = typename kept_awaiter<decltype(awaiter_of(std::declval<A>()))>::type;

public:
    awaiting(stack_part& part, A&& a) : part_(part), awaiter_(awaiter_of(static_cast<A&&>(a))) {}

    bool await_ready() noexcept(noexcept(std::declval<awaiter&>().await_ready())) { return awaiter_.await_ready(); }
    // What it is given to may resume and destroy the coroutine, and this with it, at once: nothing of it is touched
    // afterwards. Not inlined: clang before 17 then keeps what is local here in the coroutine (LLVM issue 56301).
    template <class P>
    [[gnu::noinline]] auto await_suspend(std::coroutine_handle<P> h)
        noexcept(noexcept(std::declval<awaiter&>().await_suspend(h))) {
        struct back_if_thrown {
            stack_part* part;
            ~back_if_thrown() {
                if (part) part->enter();
            }
        } guard{&part_};
        part_.leave();
        if constexpr (std::is_void_v<decltype(awaiter_.await_suspend(h))>) {
            awaiter_.await_suspend(h);
            guard.part = nullptr;
        } else {
            auto answer = awaiter_.await_suspend(h);  // false: it goes on, with await_resume()
            guard.part = nullptr;
            return answer;
        }
    }
    decltype(auto) await_resume() noexcept(noexcept(std::declval<awaiter&>().await_resume())) {
        part_.enter();
        return awaiter_.await_resume();
    }

private:
    stack_part& part_;
    awaiter awaiter_;
};

}  // namespace detail

// Keeps the spans of one coroutine together: a local of the coroutine, declared before its scopes, or a member of its promise.
// What it traces is a child of the context in which this object was made, on whatever thread; what a thread has open itself stays
// current there, and nothing else that runs there becomes a child. A co_await that goes past it while a scope is open leaves that
// scope on the thread: the scope still ends rightly, but is current in the wrong place meanwhile. Any thread that runs the
// coroutine. Cost: 512 bytes, which are used again; a suspension some 10 ns and a step for each open span.
//
// In a promise, which is made before the coroutine runs:
//     apm::coroutine_context<> context{apm::not_started};
//     auto initial_suspend() { return context(std::suspend_always{}); }
//     auto final_suspend() noexcept { return context(std::suspend_always{}); }
//     template <class A> auto await_transform(A&& a) { return context(std::forward<A>(a)); }
template <mode M = APM_MODE>
class coroutine_context {
public:
    coroutine_context() { part_.enter(); }
    explicit coroutine_context(not_started_t) {}

    // To be awaited at once, in place of `a`.
    template <class A>
    [[nodiscard]] detail::awaiting<A> operator()(A&& a) {
        return detail::awaiting<A>(part_, static_cast<A&&>(a));
    }

private:
    detail::stack_part part_;
};
template <>
class coroutine_context<mode::off> {
public:
    constexpr coroutine_context() = default;
    explicit constexpr coroutine_context(not_started_t) {}
    template <class A>
    [[nodiscard]] constexpr decltype(auto) operator()(A&& a) const noexcept {
        if constexpr (requires { a.await_ready(); } && std::is_lvalue_reference_v<A>)
            return detail::awaiter_reference<std::remove_reference_t<A>>{a};
        else return typename detail::kept_awaiter<A&&>::type(static_cast<A&&>(a));
    }
};

template <class T = void, mode M = APM_MODE>
class traced_task;

namespace detail {

template <class T>
class task_result {
public:
    template <class U = T>
        requires std::is_constructible_v<T, U>
    void return_value(U&& u) { value_.emplace(std::forward<U>(u)); }

protected:
    T take() { return std::move(*value_); }
    std::optional<T> value_;
};
template <class T>
class task_result<T&> {
public:
    void return_value(T& u) noexcept { value_ = std::addressof(u); }

protected:
    T& take() { return *value_; }
    T* value_ = nullptr;
};
template <>
class task_result<void> {
public:
    void return_void() noexcept {}

protected:
    void take() {}
};

template <class T, mode M>
class task_promise : public task_result<T> {
    struct resume_awaiter {
        static bool await_ready() noexcept { return false; }
        static std::coroutine_handle<> await_suspend(std::coroutine_handle<task_promise> h) noexcept { return h.promise().then; }
        static void await_resume() noexcept {}
    };
    [[no_unique_address]] coroutine_context<M> context_{not_started};
    std::exception_ptr thrown_;

public:
    std::coroutine_handle<> then;  // the one that awaits this

    traced_task<T, M> get_return_object() noexcept {
        return traced_task<T, M>(std::coroutine_handle<task_promise>::from_promise(*this));
    }
    auto initial_suspend() noexcept { return context_(std::suspend_always{}); }
    auto final_suspend() noexcept { return context_(resume_awaiter{}); }
    template <class A>
    decltype(auto) await_transform(A&& a) { return context_(std::forward<A>(a)); }
    void unhandled_exception() noexcept { thrown_ = std::current_exception(); }

    T result() {
        if (thrown_) std::rethrow_exception(std::move(thrown_));
        return this->take();
    }
};

// Owns a task's coroutine from the moment it is awaited.
template <class T, mode M>
class task_awaiter {
public:
    explicit task_awaiter(std::coroutine_handle<task_promise<T, M>> task) noexcept : task_(task) {
        if (!task_) std::terminate();  // awaited before, or moved from
    }
    task_awaiter(const task_awaiter&) = delete;
    task_awaiter& operator=(const task_awaiter&) = delete;
    ~task_awaiter() { task_.destroy(); }

    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> then) noexcept { return task_.promise().then = then, task_; }
    T await_resume() { return task_.promise().result(); }

private:
    std::coroutine_handle<task_promise<T, M>> task_;
};

// A coroutine that does one thing when it is resumed: it wakes a thread that waits.
class completion {
public:
    struct promise_type {
        mutex guard;
        pthread_cond_t signalled = PTHREAD_COND_INITIALIZER;
        bool done = false;

        ~promise_type() { pthread_cond_destroy(&signalled); }
        struct signal_at_end {
            bool await_ready() noexcept { return false; }
            [[gnu::noinline]] void await_suspend(std::coroutine_handle<promise_type> h) noexcept {
                promise_type& p = h.promise();
                const lock held(p.guard);
                p.done = true;
                pthread_cond_signal(&p.signalled);
            }
            void await_resume() noexcept {}
        };
        completion get_return_object() noexcept { return completion(std::coroutine_handle<promise_type>::from_promise(*this)); }
        std::suspend_always initial_suspend() noexcept { return {}; }
        signal_at_end final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept {}
    };

    explicit completion(std::coroutine_handle<promise_type> h) : handle(h) {}
    ~completion() { handle.destroy(); }
    void wait() {
        promise_type& p = handle.promise();
        const lock held(p.guard);
        while (!p.done) p.guard.wait(p.signalled);
    }
    template <int = 0>  // lest g++ -O0 puts it into every file
    static completion make() { co_return; }
    const std::coroutine_handle<promise_type> handle;
};

}  // namespace detail

// A lazy task whose scopes hold across co_await. An adapter for code that has no task type, not a library of tasks: it can be
// awaited, once, by any coroutine (`co_await work()`, or std::move of a variable; twice ends the program), which then gets the
// result or what was thrown, and waited for by sync_wait(). It runs on the thread that awaits it until something that it awaits
// resumes it elsewhere. Its spans are children of what was current where it was *created*, where the call is written, whatever
// thread runs it and when. One that is destroyed before it is done ends its spans then, if it is suspended. With APM off it is
// the same without a context. It is another type then: where a function is called across files of both kinds, say traced_task<T,
// apm::mode::on>.
template <class T, mode M>
class [[nodiscard]] traced_task {
public:
    using promise_type = detail::task_promise<T, M>;

    traced_task(traced_task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    traced_task& operator=(traced_task&& other) noexcept { return std::swap(handle_, other.handle_), *this; }
    ~traced_task() {
        if (handle_) handle_.destroy();
    }
    detail::task_awaiter<T, M> operator co_await() && noexcept {
        return detail::task_awaiter<T, M>(std::exchange(handle_, nullptr));
    }

private:
    friend promise_type;
    explicit traced_task(std::coroutine_handle<promise_type> h) noexcept : handle_(h) {}
    std::coroutine_handle<promise_type> handle_;
};

// Runs the task on this thread and blocks until it is done, wherever that is. Returns its result or throws what it threw. Not
// from a thread that the task itself has to wait for.
template <class T, mode M>
T sync_wait(traced_task<T, M> task) {
    detail::task_awaiter<T, M> work = std::move(task).operator co_await();
    detail::completion done = detail::completion::make();
    work.await_suspend(done.handle).resume();
    done.wait();
    return work.await_resume();
}

}  // namespace apm::inline APM_ABI
