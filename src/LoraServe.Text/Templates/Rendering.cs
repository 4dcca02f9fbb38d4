using System.Runtime.CompilerServices;

namespace LoraServe.Text.Templates;

/// <summary>One run of a template: its remaining budget and its output. Not safe for concurrent use.</summary>
internal sealed class Rendering
{
    // Characters copied or compared in the time of one step.
    private const int CharactersPerStep = 64;

    // Steps between two reads of the clock: about 0.1 ms.
    private const int StepsPerCheck = 1024;

    private readonly TimeProvider _clock;
    private readonly long _start;
    private readonly CancellationToken _cancellation;
    private long _steps = RenderLimits.Steps;
    private long _nextCheck = RenderLimits.Steps;
    private long _bytes = RenderLimits.Bytes;
    private int _calls;
    private int _valueDepth;

    /// <param name="now">The time that strftime_now formats.</param>
    /// <param name="clock">Measures the time taken.</param>
    /// <param name="cancellation">Ends it.</param>
    public Rendering(DateTimeOffset now, TimeProvider clock, CancellationToken cancellation)
    {
        (_clock, _start, _cancellation) = (clock, clock.GetTimestamp(), cancellation);
        Now = now;
        Output = new TextBuilder(this);
    }

    /// <summary>The time that strftime_now formats.</summary>
    public DateTimeOffset Now { get; }

    /// <summary>The output of statements.</summary>
    public TextBuilder Output { get; private set; }

    /// <summary>The source line being run.</summary>
    public int Line { get; set; } = 1;

    /// <summary>Counts one operation; throws when the steps, the time or the stack are used up.</summary>
    public void Step()
    {
        if (--_steps < _nextCheck) Check();
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw new ChatTemplateException("calls or values are nested too deeply");
    }

    /// <summary>Counts several operations.</summary>
    public void Steps(long count)
    {
        _steps -= count;
        if (_steps < _nextCheck) Check();
    }

    /// <summary>Counts reading a number of characters.</summary>
    public void Read(long characters) => Steps(characters / CharactersPerStep + 1);

    /// <summary>Counts looking up the Unicode properties of a number of characters.</summary>
    public void Classify(long characters) => Read(16 * characters);

    /// <summary>Counts a text of this length, before it is made.</summary>
    public void MakeText(long length)
    {
        if (length > RenderLimits.TextLength)
            throw new ChatTemplateException($"a text may have at most {RenderLimits.TextLength} characters");
        Read(length);
        Make(2 * length);
    }

    /// <summary>Counts a list or dictionary of this size, before it is made.</summary>
    public void MakeItems(long count)
    {
        if (count > RenderLimits.ListLength)
            throw new ChatTemplateException($"a list may have at most {RenderLimits.ListLength} items");
        Steps(count / 4 + 1);
        Make(16 * count + 64);
    }

    /// <summary>Counts a text already made, and returns it.</summary>
    public string Made(string text)
    {
        MakeText(text.Length);
        return text;
    }

    /// <summary>Counts bytes allocated for a value.</summary>
    public void Make(long bytes)
    {
        _bytes -= bytes;
        if (_bytes < 0)
            throw new ChatTemplateException($"it takes more than the {RenderLimits.Bytes >> 20} MiB of memory that rendering may take");
    }

    /// <summary>Redirects output to a new text; returns the previous output, for <see cref="EndCapture"/>.</summary>
    public TextBuilder BeginCapture()
    {
        var outer = Output;
        Output = new TextBuilder(this);
        return outer;
    }

    /// <summary>Restores the previous output and returns the captured text.</summary>
    public string EndCapture(TextBuilder outer)
    {
        var text = Output.ToString();
        Output = outer;
        return text;
    }

    /// <summary>Enters a macro or a level of a recursive loop.</summary>
    public void EnterCall()
    {
        if (++_calls > RenderLimits.CallDepth)
            throw new ChatTemplateException($"more than {RenderLimits.CallDepth} macros or recursive loops are running within one another");
    }

    /// <summary>Leaves it.</summary>
    public void LeaveCall() => _calls--;

    /// <summary>Enters a nested value.</summary>
    public void EnterValue()
    {
        Step();
        if (++_valueDepth > RenderLimits.ValueDepth)
            throw new ChatTemplateException($"lists and dictionaries are nested more than {RenderLimits.ValueDepth} deep");
    }

    /// <summary>Leaves it.</summary>
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
