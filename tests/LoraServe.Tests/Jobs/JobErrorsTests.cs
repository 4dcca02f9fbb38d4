using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Training.Results;
using LoraServe.Jobs;
using LoraServe.Keys;

namespace LoraServe.Tests.Jobs;

public class JobErrorsTests
{
    [Fact]
    public void Of_FullDisk_SaysSoWithoutTheServersPlace()
    {
        var error = JobErrors.Of(new IOException("No space left on device : '/srv/data/training/ftjob-1/run/state.1'"), "/srv/data", AdapterAccess.All);

        (error.Code, error.Message).ShouldBe(
            ("storage_failed", "The server's disk failed: No space left on device : '(data folder)/training/ftjob-1/run/state.1'"));
    }

    [Fact]
    public void Of_TrainingOnAFullDisk_SaysWhatTheTrainerSays()
    {
        var error = JobErrors.Of(new TrainingFailedException("/srv/data/x cannot be written: make room.", new IOException("full")), "/srv/data", AdapterAccess.All);

        (error.Code, error.Message).ShouldBe(("storage_failed", "(data folder)/x cannot be written: make room."));
    }

    [Fact]
    public void Of_WhatRequestsAreRefusedFor_HasTheSameCode() =>
        JobErrors.Of(new UnknownAdapterException("sql"), "/srv/data", AdapterAccess.All).ShouldBe(new JobError("model_not_found", "The model `sql` does not exist or you do not have access to it.", null));

    [Fact]
    public void Of_DamagedAdapter_KeepsWhatToDo()
    {
        var error = JobErrors.Of(new DamagedAdapterException("sql", "Its file is gone."), "/srv/data", AdapterAccess.All);

        (error.Code, error.Message).ShouldBe(("adapter_damaged", "The adapter 'sql' cannot be loaded: Its file is gone. Upload it again."));
    }

    [Fact]
    public void Of_HiddenPartOfASum_IsNotNamed() =>
        JobErrors.Of(new DamagedAdapterException("secret", "Its file is gone."), "/srv/data", AdapterAccess.None).Message
            .ShouldBe("A part of the saved mix cannot be used, and the API key may not see it: ask the owner of the mix.");

    [Fact]
    public void IsTransient_BusyEngine_IsTriedAgain()
    {
        JobErrors.IsTransient(new AdapterCacheFullException("full")).ShouldBeTrue();
        JobErrors.IsTransient(new EngineOverloadedException("full")).ShouldBeTrue();
        JobErrors.IsTransient(new UnknownAdapterException("sql")).ShouldBeFalse();
    }

    [Fact]
    public void Of_AnythingElse_IsForTheLog() => JobErrors.Of(new InvalidOperationException("secret"), "/srv/data", AdapterAccess.All).Code.ShouldBe(JobErrors.Internal);
}
