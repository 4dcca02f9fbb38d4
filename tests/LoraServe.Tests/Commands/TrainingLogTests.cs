using LoraServe.Commands;
using LoraServe.Engine.Training.Results;

namespace LoraServe.Tests.Commands;

public sealed class TrainingLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("loraserve-test-").FullName;

    private string LogFile => Path.Combine(_folder, "log.jsonl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Steps_MadeAgainAfterAnInterruption_CountOnce()
    {
        using (var log = new TrainingLog(LogFile, goesOn: true))
        {
            log.Write(Step(1, 3));
            log.Write(Step(2, 2));
            log.Write(new Note("not in it"));
            log.Write(new Evaluated(2, new EvaluationFigures(0.5, 0.9, null, 10, 0), IsBest: true));
        }

        // As after a kill while writing a line.
        File.AppendAllText(LogFile, "{\"step\":{\"ste");
        using var next = new TrainingLog(LogFile, goesOn: true);
        next.Write(Step(2, 1));
        next.Write(Step(3, 0.5));

        next.Steps.Select(step => (step.Step, step.Loss)).ShouldBe([(1, 3), (2, 1), (3, 0.5)]);
        next.Evaluations.Single().Figures.Loss.ShouldBe(0.5);
        next.Dispose();
        using var read = new TrainingLog(LogFile, goesOn: true);
        read.Steps.ShouldBe(next.Steps);
    }

    [Fact]
    public void Steps_OfAnotherTraining_AreForgottenWhereTheLogBeginsAnew()
    {
        using (var log = new TrainingLog(LogFile, goesOn: true)) log.Write(Step(7, 3));

        using (var log = new TrainingLog(LogFile, goesOn: false)) log.Write(Step(1, 2));

        using var read = new TrainingLog(LogFile, goesOn: true);
        read.Steps.Select(step => step.Step).ShouldBe([1]);
    }

    private static StepMade Step(int step, double loss) => new(step, loss, 0.5, 1e-3, 1, 100, TimeSpan.FromSeconds(0.25));
}
