using System.Diagnostics;
using LoraServe.Engine.Training.Results;
using Spectre.Console;

namespace LoraServe.Commands;

/// <summary>Shows the progress of a training: on a terminal a bar with loss, tokens/s and time left, otherwise a line every few seconds.</summary>
/// <param name="shown">The bar and its context, or null.</param>
/// <param name="steps">Steps of the training.</param>
internal sealed class TrainingProgress((ProgressContext Display, ProgressTask Bar)? shown, int steps)
{
    private const double Smoothing = 0.1;

    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(10);

    private readonly long _start = Stopwatch.GetTimestamp();
    private long _lastLine = Stopwatch.GetTimestamp();
    private double _loss = double.NaN;
    private double _tokens;
    private double _seconds;
    private int _first;

    /// <summary>Shows an event.</summary>
    public void Show(TrainingEvent happened)
    {
        switch (happened)
        {
            case StepMade step:
                Show(step);
                break;
            case EvaluationBegun:
                ShowPhase("evaluating");
                break;
            case CheckpointBegun:
                ShowPhase("saving");
                break;
            case EndBegun:
                ShowPhase("checking the base, writing");
                break;
            case Evaluated evaluated:
                Terminal.WriteLine($"step {evaluated.Step}: {Describe(evaluated.Figures)}{evaluated.Verdict}");
                break;
            case Note note:
                Terminal.WriteLine(note.Text);
                break;
            default:
                break;
        }
    }

    /// <summary>Held-out figures as text.</summary>
    public static string Describe(EvaluationFigures figures) =>
        $"held-out loss {figures.Loss:F4}, token accuracy {figures.TokenAccuracy:P1}"
        + (figures.ExactMatch is { } match ? $", exact match {match:P1} of {figures.GeneratedExamples}" : "");

    private void Show(StepMade step)
    {
        if (_first == 0) _first = step.Step;
        _loss = double.IsNaN(_loss) ? step.Loss : _loss + (Smoothing * (step.Loss - _loss));
        (_tokens, _seconds) = (_tokens + step.Tokens, _seconds + step.Elapsed.TotalSeconds);
        var text = $"loss {_loss:F4}  {_tokens / Math.Max(_seconds, 1e-9):N0} tokens/s";
        if (shown is var (_, bar))
        {
            bar.Value = step.Step;
            bar.Description = Markup.Escape(text);
            return;
        }

        if (Stopwatch.GetElapsedTime(_lastLine) < LineEvery && step.Step < steps) return;
        _lastLine = Stopwatch.GetTimestamp();
        var left = Stopwatch.GetElapsedTime(_start) * ((double)(steps - step.Step) / (step.Step - _first + 1));
        Terminal.WriteLine($"step {step.Step}/{steps}  {text}  learning rate {step.LearningRate:G3}  {left:h\\:mm\\:ss} left");
    }

    // The bar does not move meanwhile; its description says what is happening.
    private void ShowPhase(string phase)
    {
        if (shown is not var (display, bar)) return;
        bar.Description = phase;
        // A phase may be over before the next redraw.
        display.Refresh();
    }
}
