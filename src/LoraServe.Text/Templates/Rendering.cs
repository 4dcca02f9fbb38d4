using System.Runtime.CompilerServices;

namespace LoraServe.Text.Templates;

/// <summary>One run of a template: what it may still use up, and where its output goes. Not safe for concurrent use.</summary>
internal sealed class Rendering
{
    // Characters that are copied or compared in the time of one step.
    private const int CharactersPerStep = 64;

    // The clock is asked once in so many steps, which take about a tenth of a millisecond.
    private const int StepsPerCheck = 1024;

    private readonly TimeProvider _clock;
    private readonly long _start;
    private readonly CancellationToken _cancellation;
    private long _steps = RenderLimits.Steps;
    private long _nextCheck = RenderLimits.Steps;
    private long _bytes = RenderLimits.Bytes;
    private int _calls;
    private int _valueDepth;

    /// <param name="now">What strftime_now tells.</param>
    /// <param name="clock">Measures how long it takes.</param>
    /// <param name="cancellation">Ends it.</param>
    public Rendering(DateTimeOffset now, TimeProvider clock, CancellationToken cancellation)
    {
        (_clock, _start, _cancellation) = (clock, clock.GetTimestamp(), cancellation);
        Now = now;
        Output = new TextBuilder(this);
    }

    /// <summary>What strftime_now tells.</summary>
    public DateTimeOffset Now { get; }

    /// <summary>What statements write to.</summary>
    public TextBuilder Output { get; private set; }

    /// <summary>The line of the source that is being run.</summary>
    public int Line { get; set; } = 1;

    /// <summary>One operation; fails when the steps, the time or the stack are used up.</summary>
    public void Step()
    {
        if (--_steps < _nextCheck) Check();
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw new ChatTemplateException("calls or values are nested too deeply");
    }

    /// <summary>Operations done at once.</summary>
    public void Steps(long count)
    {
        _steps -= count;
        if (_steps < _nextCheck) Check();
    }

    /// <summary>Reading so many characters.</summary>
    public void Read(long characters) => Steps(characters / CharactersPerStep + 1);

    /// <summary>Looking at so many characters one by one, for what they are in Unicode.</summary>
    public void Classify(long characters) => Read(16 * characters);

    /// <summary>A text of so many characters is going to be made.</summary>
    public void MakeText(long length)
    {
        if (length > RenderLimits.TextLength)
            throw new ChatTemplateException($"a text may have at most {RenderLimits.TextLength} characters");
        Read(length);
        Make(2 * length);
    }

    /// <summary>A list or dictionary of so many items is going to be made.</summary>
    public void MakeItems(long count)
    {
        if (count > RenderLimits.ListLength)
            throw new ChatTemplateException($"a list may have at most {RenderLimits.ListLength} items");
        Steps(count / 4 + 1);
        Make(16 * count + 64);
    }

    /// <summary>Counts a text that was made.</summary>
    public string Made(string text)
    {
        MakeText(text.Length);
        return text;
    }

    /// <summary>Counts more bytes of a value that is being made.</summary>
    public void Make(long bytes)
    {
        _bytes -= bytes;
        if (_bytes < 0)
            throw new ChatTemplateException($"it takes more than the {RenderLimits.Bytes >> 20} MiB of memory that rendering may take");
    }

    /// <summary>Output goes to a new text from now on; the result is where it went so far, for <see cref="EndCapture"/>.</summary>
    public TextBuilder BeginCapture()
    {
        var outer = Output;
        Output = new TextBuilder(this);
        return outer;
    }

    /// <summary>What was written since then.</summary>
    public string EndCapture(TextBuilder outer)
    {
        var text = Output.ToString();
        Output = outer;
        return text;
    }

    /// <summary>A macro or a level of a recursive loop begins.</summary>
    public void EnterCall()
    {
        if (++_calls > RenderLimits.CallDepth)
            throw new ChatTemplateException($"more than {RenderLimits.CallDepth} macros or recursive loops are running within one another");
    }

    /// <summary>It has ended.</summary>
    public void LeaveCall() => _calls--;

    /// <summary>A value within a value is looked at.</summary>
    public void EnterValue()
    {
        Step();
        if (++_valueDepth > RenderLimits.ValueDepth)
            throw new ChatTemplateException($"lists and dictionaries are nested more than {RenderLimits.ValueDepth} deep");
    }

    /// <summary>It has been looked at.</summary>
    public void LeaveValue() => _valueDepth--;

    private void Check()
    {
        if (_steps < 0) throw new ChatTemplateException($"it takes more than the {RenderLimits.Steps} steps that rendering may take");
        _cancellation.ThrowIfCancellationRequested();
        if (_clock.GetElapsedTime(_start) > RenderLimits.Time)
            throw new ChatTemplateException($"it takes more than the {RenderLimits.Time.TotalSeconds} seconds that rendering may take");
        _nextCheck = Math.Max(_steps - StepsPerCheck, 0);
    }
}
