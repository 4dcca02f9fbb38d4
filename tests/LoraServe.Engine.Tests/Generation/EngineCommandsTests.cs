using LoraServe.Engine.Generation;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Generation;

public class EngineCommandsTests
{
    private const int Races = 20_000;

    [Fact]
    public void AreOver_ClosedWhileTheLastCommandIsTaken_IsTrue()
    {
        for (var i = 0; i < Races; i++)
        {
            var commands = new EngineCommands();
            commands.TrySend(() => { });
            var closing = Task.Run(commands.Close);
            while (!closing.IsCompleted) commands.Run();
            commands.Run();

            commands.AreOver.ShouldBeTrue();
        }
    }

    [Fact]
    public void AreOver_ACommandIsLeft_IsFalse()
    {
        var commands = new EngineCommands();
        commands.TrySend(() => { });
        commands.Close();

        commands.AreOver.ShouldBeFalse();
        commands.TrySend(() => { }).ShouldBeFalse();
    }
}
